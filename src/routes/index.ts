export { authRoutes } from './auth-routes.ts'
export type { AuthRoutes } from './auth-routes.ts'
export type { AuthRoutesOptions } from './route-context.ts'
export type { Operation } from './table.ts'
