import type { NodeRequest, NodeResponse } from '../node-http.ts'
import type { NestRequest, NestResponse } from './types.ts'

/** Node's own request, which is the same for guards, handlers and middleware of both platforms. */
export const nodeRequest = (request: NestRequest): NodeRequest => ('raw' in request ? request.raw : request)

/** Node's own response likewise. */
export const nodeResponse = (response: NestResponse): NodeResponse => ('raw' in response ? response.raw : response)
