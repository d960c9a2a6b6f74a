import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Hono } from 'hono'
import type { JsonObject } from 'jotward'

/** The only page of the server: everything from here, no inline script, in nobody's frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

// Relative links, so that the page also works where a proxy serves it under a prefix.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Jotward API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="page"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

const START = `SwaggerUIBundle({ url: 'docs/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null })
`

const SCRIPT = 'text/javascript; charset=utf-8'

const PACKAGE_FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', SCRIPT],
  ['favicon-32x32.png', 'image/png'],
])

const packageFolder = (): string => dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

/**
 * A page for an OpenAPI document, at `/docs`, that needs nothing from anywhere else. The document should name no
 * servers: the page calls the one that it came from, and its policy forbids it any other.
 */
export const docsPage = (openApi: JsonObject): Hono => {
  const folder = packageFolder()
  const files = new Map<string, Buffer>()
  const readOnce = (name: string): Buffer => {
    const bytes = files.get(name) ?? readFileSync(join(folder, name))
    files.set(name, bytes)
    return bytes
  }
  const app = new Hono()
  app.get('/docs', (context) => context.html(PAGE, 200, { 'content-security-policy': CONTENT_SECURITY_POLICY }))
  // Relative too, and so that the links of the page are right.
  app.get('/docs/', (context) => context.redirect('../docs', 308))
  app.get('/docs/openapi.json', (context) => context.json(openApi))
  app.get('/docs/start.js', (context) => context.body(START, 200, { 'content-type': SCRIPT }))
  for (const [name, type] of PACKAGE_FILES) {
    app.get(`/docs/${name}`, (context) => {
      const headers = { 'content-type': type, 'cache-control': 'public, max-age=3600' }
      return context.body(new Uint8Array(readOnce(name)), 200, headers)
    })
  }
  return app
}
