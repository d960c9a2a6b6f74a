/** The sequence number in a cursor; 0, the beginning, for one that is of another shape or ahead of the log. */
export const readCursor = (cursor: string | null, last: number): number => {
  if (cursor === null || !/^\d{1,15}$/.test(cursor)) return 0
  return Number(cursor) > last ? 0 : Number(cursor)
}
