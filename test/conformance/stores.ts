import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import type { StoreWithUsers as Store } from '../../src/ports/store.ts'

/** The stores that the endpoints are proved on, each empty and on the clock that it is given. */

export const openMemoryStore = (now: () => number): Store => memoryStore({ now })

export const openSqliteStore = (now: () => number): Store => sqliteStore(openSqlite(':memory:'), { now })
