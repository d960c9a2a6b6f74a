import { routesConformance } from '../conformance/routes-conformance.ts'
import { serveFetch, serveFetchOnNode } from '../conformance/serve-fetch.ts'
import { openMemoryStore, openSqliteStore } from '../conformance/stores.ts'

routesConformance('fetch, memory', { serve: serveFetch, openStore: openMemoryStore })
routesConformance('fetch on node:http, sqlite', { serve: serveFetchOnNode, openStore: openSqliteStore })
