import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { serveExpress } from '../conformance/serve-express.ts'

adapterConformance('express', serveExpress)
