/** The sequence number in a cursor; 0, the beginning, for one that is of another shape or ahead of the log. */
export const readCursor = (cursor: string | null, last: number): number => {
  if (cursor === null || !/^\d{1,15}$/.test(cursor)) return 0
  return Number(cursor) > last ? 0 : Number(cursor)
}

/** The position below which a page of the latest goes on; nothing stands behind a cursor of another shape. */
export const readPageStart = (after: string | null): number => {
  if (after === null) return Number.MAX_SAFE_INTEGER
  return /^\d{1,15}$/.test(after) ? Number(after) : 0
}
