/** What the core sees of a request: never a framework's object. */
export interface RequestView {
  /**
   * A header by its lower-case name, null where it is absent. Several of one name come joined by `', '`, so that a
   * second one is never overlooked.
   */
  header(name: string): string | null
}
