import type { Server } from 'node:http'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.ts'

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
// NestJS's own type does not tell of the server what it is.
export const server = (await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')) as Server
