import { routesBehindParsers, routesConformance } from '../conformance/routes-conformance.ts'
import { serveFastify } from '../conformance/serve-fastify.ts'
import { openMemoryStore } from '../conformance/stores.ts'

routesConformance('fastify, memory', { serve: serveFastify, openStore: openMemoryStore })
routesBehindParsers('fastify, memory', { serve: serveFastify, openStore: openMemoryStore })
