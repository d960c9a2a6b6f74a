import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { serveHono, serveHonoOnNode } from '../conformance/serve-hono.ts'

adapterConformance('hono', serveHono)
adapterConformance('hono on node:http', serveHonoOnNode)
