import { AsyncLocalStorage } from 'node:async_hooks'

/** By which lines of the log are told apart. */
export interface RequestScope {
  readonly requestId: string
  readonly client?: string
}

const scopes = new AsyncLocalStorage<RequestScope>()

/** Does `work` so that everything it causes, however late, belongs to the request. */
export const inRequest = <T>(scope: RequestScope, work: () => T): T => scopes.run(scope, work)

/** The request that is being answered, or undefined where none is. */
export const currentRequest = (): RequestScope | undefined => scopes.getStore()
