export { replicated } from './replicated-store.ts'
export type { ReplicationOptions } from './replicated-store.ts'
export type { ProcessClocks } from './lease.ts'
