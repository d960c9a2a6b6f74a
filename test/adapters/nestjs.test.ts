import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { serveNest, serveNestFastify, serveNestRealm } from '../conformance/serve-nestjs.ts'

adapterConformance('nestjs on express', serveNest)
adapterConformance('nestjs on fastify', serveNestFastify)
adapterConformance('nestjs with modules that bring the auth', serveNestRealm)
