import type { MaybePromise } from '../maybe-promise.ts'

/** A body that a parser has made members of; null where there is none, or it is of another type. */
export interface RequestBody {
  readonly kind: 'json' | 'form'
  readonly members: Readonly<Record<string, unknown>>
}

/** What the core sees of a request: never a framework's object. */
export interface RequestView {
  /** Upper case. */
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** What stands in the path for a name of the route's pattern (`:id`), decoded; null where the route has no such name. */
  parameter(name: string): string | null
  /**
   * A header by its lower-case name, null where it is absent. Several of one name come joined by `', '`, so that a second one is never overlooked.
   */
  header(name: string): string | null
  /** Every value of a query parameter, decoded. */
  query(name: string): readonly string[]
  /** The body; asked for only where a token or a CSRF value may stand in it. */
  body(): MaybePromise<RequestBody | null>
}
