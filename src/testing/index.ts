export { userDirectoryConformance } from './user-directory-conformance.ts'
export type { ConformanceTest } from './user-directory-conformance.ts'
