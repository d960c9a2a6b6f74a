import { routesBehindParsers } from '../conformance/routes-conformance.ts'
import { serveNode } from '../conformance/serve-node.ts'
import { openMemoryStore } from '../conformance/stores.ts'

routesBehindParsers('node, memory', { serve: serveNode, openStore: openMemoryStore })
