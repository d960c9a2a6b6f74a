import type { SqliteDatabase } from 'jotward/stores/sqlite'

/** What a database remembers of the server that its sessions were made by. */
export type RecordName = 'secret' | 'issuer'

export interface ServerRecords {
  get(name: RecordName): string | null
  set(name: RecordName, value: string): void
  /** For whoever has ended every session: another secret may follow. */
  forgetSecret(): void
}

/** Keeps the records in a table of the server's own, beside those of the store, so that a backup has them too. */
export const serverRecords = (database: SqliteDatabase): ServerRecords => {
  database.exec(`CREATE TABLE IF NOT EXISTS jotward_server (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`)
  return {
    get: (name) => {
      // The columns of a row are ours to know: this one is TEXT NOT NULL.
      const row = database.prepare('SELECT value FROM jotward_server WHERE name = ?').get(name) as
        | { readonly value: string }
        | undefined
      return row?.value ?? null
    },
    set: (name, value) => {
      const upsert =
        'INSERT INTO jotward_server (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'
      database.prepare(upsert).run(name, value)
    },
    forgetSecret: () => {
      database.prepare("DELETE FROM jotward_server WHERE name = 'secret'").run()
    },
  }
}
