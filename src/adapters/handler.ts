/** A set of ready-made endpoints, like that of `authRoutes`: answers requests for its own paths. */
export interface MountedHandler {
  (request: Request): Promise<Response>
  /** Whether a path (without its query) is one of its own. */
  matches(path: string): boolean
  /**
   * The same paths as patterns, for frameworks that route by a table: each is a path, or all that lie below one
   * (`/auth/*`). Without them such a framework hands over every path that no route of the application takes.
   */
  readonly paths?: readonly string[]
}
