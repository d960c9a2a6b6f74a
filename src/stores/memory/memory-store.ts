import type { StoreWithUsers } from '../../ports/store.ts'
import { createMemoryState } from './memory-state.ts'
import { memoryRevocationLog } from './revocation-log.ts'
import { localSessionStore } from '../local-session-store.ts'
import { memorySessionTables } from './session-tables.ts'
import { memorySingleUse } from './single-use.ts'
import { memoryTokenRegister } from './token-register.ts'
import { memoryUserDirectory } from './user-directory.ts'

export interface MemoryStoreOptions {
  /** The store's clock, in milliseconds. Default: the system's. */
  readonly now?: () => number
}

/**
 * Keeps everything in this process: for tests, and for one process that may forget everyone at a restart. Every
 * method is synchronous and so atomic by itself.
 */
export const memoryStore = ({ now = Date.now }: MemoryStoreOptions = {}): StoreWithUsers => {
  const state = createMemoryState(now)
  return {
    sessions: localSessionStore(memorySessionTables(state)),
    revocations: memoryRevocationLog(state),
    tokens: memoryTokenRegister({ now }),
    singleUse: memorySingleUse({ now }),
    users: memoryUserDirectory({ now }),
    ready: () => undefined,
    promises: () => ({
      crash: false,
      powerLoss: false,
      failover: null,
      remarks: ['everything is in the memory of this process and ends with it'],
    }),
    close: () => undefined,
  }
}
