import { AuthError } from '../core/errors.ts'
import type { Principal } from '../core/request/principal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { Delivery } from '../core/request/transport.ts'
import type { AccessToken, TokenPair } from '../core/session/tokens.ts'
import { callHook } from './call-hook.ts'
import { presentAccessCookie, presentAccessToken, presentCookies, presentPair } from './present.ts'
import type { Answer } from './route.ts'
import type { RouteContext } from './route-context.ts'

/** How tokens leave: in the body, or as cookies and then never in the body too. */

/** An answer goes the way that the token of its caller came. */
export const deliveryTo = ({ location }: Principal<unknown>): Delivery => (location === 'cookie' ? 'cookie' : 'body')

/**
 * Refuses to hand out cookies that nobody would look for, or to whom another site has sent.
 *
 * @throws AuthError `invalid_body` | `csrf_failed`
 */
export const requireCookies = async ({ auth, cookieUse }: RouteContext, view: RequestView): Promise<void> => {
  if (!(await cookieUse.isLookedFor.access)) {
    throw new AuthError('invalid_body', { problems: [{ path: 'delivery', problem: 'must be "body" here' }] })
  }
  auth.cookies.checkOrigin(view)
}

/** @throws AuthError `hook_failed` where a browser would not keep the cookies, which is told to the operator */
const setCookies = (context: RouteContext, tokens: AccessToken | TokenPair): Promise<readonly string[]> =>
  callHook(context, 'cookies', () => context.auth.cookies.set(tokens))

export const deliverAccessToken = async (
  context: RouteContext,
  token: AccessToken,
  delivery: Delivery,
): Promise<Answer> => {
  if (delivery === 'body') return { status: 200, body: presentAccessToken(token) }
  const cookies = await setCookies(context, token)
  return { status: 200, body: presentAccessCookie(token, context.auth.cookies), cookies }
}

/** Hands out the pair of a session that its holder has already. */
export const deliverPair = async (context: RouteContext, pair: TokenPair, delivery: Delivery): Promise<Answer> => {
  if (delivery === 'body') return { status: 200, body: presentPair(pair) }
  const cookies = await setCookies(context, pair)
  return { status: 200, body: presentCookies(pair, context.auth.cookies), cookies }
}

/** Does what is good to do and no reason to refuse; what keeps it from being done is told to the operator. */
const attempt = async ({ auth }: RouteContext, at: string, act: () => Promise<void>): Promise<void> => {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof AuthError) || error.status >= 500) auth.emit({ type: 'failure', at, error })
  }
}

/** Hands out the pair of a session that has just been made; one that cannot be handed out ends, for nobody holds it. */
export const deliverNewPair = async (context: RouteContext, pair: TokenPair, delivery: Delivery): Promise<Answer> => {
  try {
    return await deliverPair(context, pair, delivery)
  } catch (failure) {
    const { id: sessionId, subject } = pair.session
    await attempt(context, 'ending a session that nobody holds', () =>
      context.auth.revoke.session({ sessionId, subject }),
    )
    throw failure
  }
}

/** Ends the session whose refresh cookie a new one replaces: it may be one that somebody else has planted. */
export const endReplacedSession = (context: RouteContext, view: RequestView): Promise<void> =>
  attempt(context, 'ending the session that a sign-in replaces', async () => {
    const found = await context.auth.findRefreshToken(view)
    if (found?.location === 'cookie') await context.auth.signOut(found.token)
  })
