/**
 * A value, or the promise of one. The hot path awaits nothing where nothing has to be awaited: a guard over a local
 * revocation set answers in the same turn.
 */
export type MaybePromise<T> = T | Promise<T>

const isPromise = <T>(value: MaybePromise<T>): value is Promise<T> => value instanceof Promise

/** Goes on with the value, at once if it stands already. Promises must be native: stores turn others into such. */
export const whenReady = <T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> =>
  isPromise(value) ? value.then(next) : next(value)
