import type { MountedHandler } from '../../src/adapters/handler.ts'

const matches = (path: string): boolean => path === '/echo' || path.startsWith('/echo/')

/** Endpoints under /echo that note which of their paths was entered. */
export const createEcho = () => {
  const entered: string[] = []
  const handle = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname
    entered.push(path)
    return Response.json({ path, body: await request.text() })
  }
  const handler: MountedHandler = Object.assign(handle, { matches, paths: ['/echo', '/echo/*'] })
  return { handler, entered }
}

/** Paths that lead to /echo/in, or to something like it, in the eyes of some and not of others. */
export const CROOKED_PATHS = [
  '/echo/x/../in',
  '/echo/./in',
  '/echo/x/%2e%2e/in',
  '/echo/x/%2E./in',
  '/echo\\in',
  '/echo/x\\..\\in',
  '/%65cho/in',
  '/echo/%69n',
  '//echo/in',
  '/ECHO/in',
  '/echo/in/',
] as const
