import { routesBehindParsers, routesConformance } from '../conformance/routes-conformance.ts'
import { serveExpress } from '../conformance/serve-express.ts'
import { openMemoryStore, openSqliteStore } from '../conformance/stores.ts'

routesConformance('express, sqlite', { serve: serveExpress, openStore: openSqliteStore })
routesBehindParsers('express, memory', { serve: serveExpress, openStore: openMemoryStore })
