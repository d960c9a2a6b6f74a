import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common'
import { auth, CurrentPrincipal, greet, OptionalPrincipal, Protect, requireOwnToken, show } from './auth.ts'
import type { Caller } from './auth.ts'
import { isUser, readCredentials, requirePassword } from './users.ts'

@Controller()
export class AppController {
  // Both tokens of a new session. The access token is fresh.
  @Post('auth/login')
  @HttpCode(200)
  async login(@Body() body: unknown) {
    const { username, password } = readCredentials(body)
    // What a stranger writes becomes a subject only where it is a user's name.
    const pair = await auth.issueAfter(isUser(username) ? username : 'nobody', async () => {
      await requirePassword(username, password)
      return {}
    })
    return { access_token: pair.accessToken, refresh_token: pair.refreshToken }
  }

  // Only an access token, and a fresh one: in the caller's session, or in none where no token of theirs came along.
  @Post('auth/fresh-login')
  @HttpCode(200)
  @Protect({ optional: 'lenient' })
  async freshLogin(@Body() body: unknown, @OptionalPrincipal() caller: Caller | null) {
    const { username, password } = readCredentials(body)
    await requirePassword(username, password)
    const isOwn = caller?.subject === username
    const token = isOwn
      ? await auth.reissue(caller, { fresh: true })
      : await auth.tokens.sign({ subject: username, fresh: true })
    return { access_token: token.accessToken }
  }

  // Only an access token, and never a fresh one. The refresh token stays good; `auth.refresh(token)` would give the next
  // one as well, and end the session where an old one comes back, for then it was stolen.
  @Post('auth/refresh')
  @HttpCode(200)
  @Protect({ token: 'refresh' })
  async refresh(@CurrentPrincipal() caller: Caller) {
    const { accessToken } = await auth.reissue(caller)
    return { access_token: accessToken }
  }

  @Get('protected')
  @Protect()
  protected(@CurrentPrincipal() caller: Caller) {
    return greet(caller)
  }

  // Takes the access token of a login, not that of a refresh.
  @Get('protected-fresh')
  @Protect({ fresh: 'login' })
  protectedFresh(@CurrentPrincipal() caller: Caller) {
    return greet(caller)
  }

  // The caller's tokens that have not expired, the latest hundred.
  @Get('auth/tokens')
  @Protect()
  async tokens(@CurrentPrincipal() { subject }: Caller) {
    const { tokens } = await auth.tokens.list(subject)
    return tokens.map(show)
  }

  // With a refresh token its session is suspended, and every access token of it.
  @Put('auth/tokens/revoke/:jti')
  @Protect()
  async revoke(@CurrentPrincipal() caller: Caller, @Param('jti') jti: string) {
    await requireOwnToken(caller, jti)
    return show(await auth.tokens.revoke(jti))
  }

  @Put('auth/tokens/unrevoke/:jti')
  @Protect()
  async unrevoke(@CurrentPrincipal() caller: Caller, @Param('jti') jti: string) {
    await requireOwnToken(caller, jti)
    return show(await auth.tokens.restore(jti))
  }
}
