import { routesBehindParsers } from '../conformance/routes-conformance.ts'
import { serveKoa } from '../conformance/serve-koa.ts'
import { openMemoryStore } from '../conformance/stores.ts'

routesBehindParsers('koa, memory', { serve: serveKoa, openStore: openMemoryStore })
