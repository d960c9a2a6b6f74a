import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { serveFetch, serveFetchOnNode } from '../conformance/serve-fetch.ts'

adapterConformance('fetch', serveFetch)
adapterConformance('fetch on node:http', serveFetchOnNode)
