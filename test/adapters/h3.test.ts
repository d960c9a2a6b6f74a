import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { serveH3, serveH3OnNode } from '../conformance/serve-h3.ts'

adapterConformance('h3', serveH3)
adapterConformance('h3 on node:http', serveH3OnNode)
