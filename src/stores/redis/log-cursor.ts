/** Where a reader of the log stands in one bucket. */
export interface BucketPosition {
  /** The number of the last entry that it has, or '' at the beginning. */
  readonly after: string
  /** Where it stands in the list of what has left the stream, or '' where it has read that. */
  readonly scan: string
}

/** Where a reader of the whole log stands. */
export interface LogPosition {
  /** Everybody's epoch that it has been told of. */
  readonly globalEpoch: number
  readonly buckets: readonly BucketPosition[]
}

const BEGINNING: BucketPosition = { after: '', scan: '' }

export const writeCursor = ({ globalEpoch, buckets }: LogPosition): string =>
  [globalEpoch, ...buckets.map(({ after, scan }) => (scan === '' ? after : `${after}~${scan}`))].join('.')

const POSITION = /^(\d{1,16})(?:~(\d{1,20}))?$/

/** The position in a cursor, or the beginning where it is null or of another shape. */
export const readCursor = (cursor: string | null, count: number): LogPosition => {
  const beginning: LogPosition = { globalEpoch: 0, buckets: Array.from({ length: count }, () => BEGINNING) }
  const [epoch = '', ...positions] = cursor?.split('.', count + 2) ?? []
  if (!/^\d{1,16}$/.test(epoch) || positions.length !== count) return beginning
  const buckets: BucketPosition[] = []
  for (const position of positions) {
    const [, after, scan = ''] = POSITION.exec(position) ?? []
    if (after === undefined) return beginning
    buckets.push({ after, scan })
  }
  return { globalEpoch: Number(epoch), buckets }
}
