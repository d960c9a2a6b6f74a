import { canonicalEmail, createPasswordCheck } from 'jotward'
import type { User } from 'jotward'
import { argon2Hasher } from '../argon2-hasher.ts'
import { command } from './command.ts'
import type { Command, ExitCode } from './command.ts'
import { print } from './output.ts'
import { choosePassword, PASSWORD_OPTION } from './password-input.ts'
import { serverSettings, withStore } from './server-store.ts'
import type { CommandStore } from './server-store.ts'

const EMAIL_OPTION = { type: 'string', required: true, description: 'Address that the user signs in with' } as const

const refuse = (sentence: string): ExitCode => {
  process.stderr.write(`jotward: ${sentence}\n`)
  return 1
}

const findUser = async ({ users }: CommandStore, email: string): Promise<User | null> => {
  const canonical = canonicalEmail(email)
  return canonical === null ? null : users.findByEmail(canonical)
}

const setActive = async (store: CommandStore, email: string, active: boolean): Promise<ExitCode> => {
  const user = await findUser(store, email)
  if (user === null) return refuse(`nobody has the address ${email}`)
  await store.users.update(user.id, { active })
  // After the change, so that nobody signs in between the two; and again, should the first time have failed half-way.
  if (!active) await store.revocations.bump(user.id)
  await print(active ? `${email} may sign in.\n` : `${email} may not sign in, and every session has ended.\n`)
  return 0
}

const switchCommand = (name: string, active: boolean): Command =>
  command({
    name: `jotward user ${name}`,
    description: active
      ? 'Lets a user sign in again'
      : 'Keeps a user from signing in and ends every session of theirs at once',
    args: { email: EMAIL_OPTION },
    run: async ({ email }) => withStore(serverSettings(), async (store) => setActive(store, email, active)),
  })

/** `jotward user disable`: also for whoever is signed in at this moment. */
export const userDisable = switchCommand('disable', false)

/** `jotward user enable`: sessions of before stay ended. */
export const userEnable = switchCommand('enable', true)

const setPassword = async (store: CommandStore, user: User, password: string): Promise<boolean> => {
  const hash = await createPasswordCheck(argon2Hasher()).hash(password)
  const changed = await store.users.replacePassword(user.id, { expected: user.passwordHash, hash, changed: true })
  if (changed === null) return false
  await store.revocations.bump(user.id)
  return true
}

/** `jotward user password`: a new one, which ends every session of the one before. */
export const userPassword = command({
  name: 'jotward user password',
  description: 'Gives a user another password and ends every session of theirs',
  args: { email: EMAIL_OPTION, 'password-stdin': PASSWORD_OPTION },
  run: async (args) => {
    const settings = serverSettings()
    const { email } = args
    return withStore(settings, async (store) => {
      const user = await findUser(store, email)
      if (user === null) return refuse(`nobody has the address ${email}`)
      const { password, announcement } = await choosePassword(user.email, args['password-stdin'] === true, settings)
      if (!(await setPassword(store, user, password))) {
        return refuse(`the password of ${email} was changed by somebody else meanwhile; look, and try again`)
      }
      await print(announcement)
      return 0
    })
  },
})
