/**
 * A value, or the promise of one. The hot path awaits nothing where nothing has to be awaited: a guard over a local
 * revocation set answers in the same turn.
 */
export type MaybePromise<T> = T | Promise<T>

/** Whether a value has to be waited for: any object with a `then`, as `await` has it. */
export const isPromiseLike = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** Goes on with the value, at once if it stands already. What it returns is a promise of this realm's, or a value. */
export const whenReady = <T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> =>
  // Whatever is waited for becomes a promise of this realm's: a subclass could answer `then` with anything.
  isPromiseLike(value) ? Promise.resolve(value).then(next) : next(value)
