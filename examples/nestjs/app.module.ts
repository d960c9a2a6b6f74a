import { Catch, Module } from '@nestjs/common'
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import type { Response } from 'express'
import { AuthError, StoreError } from 'jotward'
import { AppController } from './app.controller.ts'
import { auth, JotwardModule } from './auth.ts'

// What the routes throw is answered as guards answer it.
@Catch(AuthError, StoreError)
class FailureFilter implements ExceptionFilter<AuthError | StoreError> {
  async catch(failure: AuthError | StoreError, host: ArgumentsHost): Promise<void> {
    const { status, headers, body } = await auth.refuse(failure)
    host.switchToHttp().getResponse<Response>().status(status).set(headers).end(body)
  }
}

@Module({
  imports: [JotwardModule.register({ auth })],
  controllers: [AppController],
  providers: [{ provide: APP_FILTER, useClass: FailureFilter }],
})
export class AppModule {}
