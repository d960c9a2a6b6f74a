import { routesBehindParsers, routesConformance } from '../conformance/routes-conformance.ts'
import { serveHono, serveHonoOnNode } from '../conformance/serve-hono.ts'
import { openMemoryStore, openSqliteStore } from '../conformance/stores.ts'

routesConformance('hono on node:http, memory', { serve: serveHonoOnNode, openStore: openMemoryStore })
routesBehindParsers('hono, sqlite', { serve: serveHono, openStore: openSqliteStore })
routesBehindParsers('hono on node:http, memory', { serve: serveHonoOnNode, openStore: openMemoryStore })
