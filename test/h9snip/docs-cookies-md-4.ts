import { createAuth, memoryStore } from 'jotward'
import type { RequestView } from 'jotward'
import { fetchAuth } from 'jotward/fetch'

const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['AUTH_SECRET'] ?? '' },
  store: memoryStore(),
  delivery: 'cookie',
})
const { protect } = fetchAuth(auth)

const view = (request: Request): RequestView => ({
  method: request.method,
  path: new URL(request.url).pathname,
  parameter: () => null,
  header: (name) => request.headers.get(name),
  query: (name) => new URL(request.url).searchParams.getAll(name),
  body: () => null,
})

const withCookies = (response: Response, cookies: readonly string[]): Response => {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

export const signIn = async (request: Request): Promise<Response> => {
  auth.cookies.checkOrigin(view(request))
  const pair = await auth.issue({ subject: 'the user whose password you have checked' })
  return withCookies(Response.json({ csrf_token: auth.cookies.csrfToken(pair) }), auth.cookies.set(pair))
}

export const signOut = protect({}, async (_request, { sessionId, subject }) => {
  if (sessionId !== null) await auth.revoke.session({ sessionId, subject })
  return withCookies(new Response(null, { status: 204 }), auth.cookies.unset())
})

export {}
