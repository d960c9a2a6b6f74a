import { openDatabase } from '../../examples/users-kysely/database.ts'
import { kyselyUserDirectory } from '../../examples/users-kysely/user-directory.ts'
import { usersExample } from './users-suite.ts'

usersExample({
  folder: 'users-kysely',
  open: async (file) => {
    const db = await openDatabase(file)
    return {
      directory: kyselyUserDirectory(db),
      disable: (email) => db.updateTable('users').set({ active: 0 }).where('canonicalEmail', '=', email).execute(),
      close: () => db.destroy(),
    }
  },
  main: () => import('../../examples/users-kysely/main.ts'),
})
