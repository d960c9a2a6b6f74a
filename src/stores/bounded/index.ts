export { bounded } from './bounded-store.ts'
export type { BoundsOptions } from './bounded-store.ts'
