import Sqlite from 'libsql'
import { DataSource } from 'typeorm'
import { UserSchema } from './user-directory.ts'

/** Opens a TypeORM data source on libsql, which has the interface of better-sqlite3. */
export const openDatabase = async (file: string): Promise<DataSource> =>
  new DataSource({
    type: 'better-sqlite3',
    driver: Sqlite,
    database: file,
    entities: [UserSchema],
    // Makes the table. An app with migrations has it in one of them.
    synchronize: true,
  }).initialize()
