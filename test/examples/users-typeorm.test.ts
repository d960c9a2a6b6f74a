import { openDatabase } from '../../examples/users-typeorm/database.ts'
import { typeormUserDirectory, UserSchema } from '../../examples/users-typeorm/user-directory.ts'
import { usersExample } from './users-suite.ts'

usersExample({
  folder: 'users-typeorm',
  open: async (file) => {
    const source = await openDatabase(file)
    return {
      directory: typeormUserDirectory(source),
      disable: (canonicalEmail) => source.getRepository(UserSchema).update({ canonicalEmail }, { active: false }),
      close: () => source.destroy(),
    }
  },
  main: () => import('../../examples/users-typeorm/main.ts'),
})
