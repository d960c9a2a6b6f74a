/** A set of ready-made endpoints, like that of `authRoutes`: answers requests for its own paths. */
export interface MountedHandler {
  (request: Request): Promise<Response>
  /** Whether a path (without its query) is one of its own. */
  matches(path: string): boolean
}
