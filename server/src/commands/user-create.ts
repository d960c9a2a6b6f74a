import { canonicalEmail, createPasswordCheck } from 'jotward'
import { addAccount, SUPER_PERMISSION } from '../accounts.ts'
import type { Account } from '../accounts.ts'
import { argon2Hasher } from '../argon2-hasher.ts'
import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import { print } from './output.ts'
import { choosePassword, PASSWORD_OPTION } from './password-input.ts'
import { serverSettings, withNewStore } from './server-store.ts'
import type { CommandStore } from './server-store.ts'

/** Permission names are RFC 6749 §3.3 scope tokens. */
const readPermissions = (text: string): string[] => {
  const names = text.split(',').filter((name) => name !== '')
  const wrong = names.find((name) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name))
  if (wrong !== undefined) throw new UsageError(`--permissions: ${JSON.stringify(wrong)} is not a permission name`)
  return names
}

const readEmail = (email: string): string => {
  if (canonicalEmail(email) !== null) return email
  throw new UsageError(`--email: ${JSON.stringify(email)} is not an e-mail address`)
}

/** The server makes an administrator only where there are no users yet: whoever takes that away should know. */
const warnOfFirst = ({ permissions }: Account): void => {
  const words = 'this is the first user, so the server will make no administrator of its own'
  const remedy = permissions.includes(SUPER_PERMISSION)
    ? ''
    : '; make one with `jotward user create --permissions admin`'
  process.stderr.write(`jotward: ${words}${remedy}\n`)
}

/** Adds the account to the server's own database; false where the address is taken. */
const create = async ({ users }: CommandStore, account: Account): Promise<boolean> => {
  const { users: before } = await users.list({ after: null, limit: 1 })
  const added = await addAccount({ users, passwords: createPasswordCheck(argon2Hasher()) }, account)
  if (added !== null && before.length === 0) warnOfFirst(account)
  return added !== null
}

/** `jotward user create`: an account, also while the server runs, and also where signing up is closed. */
export const userCreate = command({
  name: 'jotward user create',
  description: 'Adds a user where the server keeps them (JOTWARD_DATA or DATABASE_URL)',
  args: {
    email: { type: 'string', required: true, description: 'Address to sign in with' },
    permissions: { type: 'string', default: '', valueHint: 'p1,p2', description: '"admin" includes every other' },
    'password-stdin': PASSWORD_OPTION,
  },
  run: async (args) => {
    const email = readEmail(args.email)
    const permissions = readPermissions(args.permissions)
    const settings = serverSettings()
    const { password, announcement } = await choosePassword(email, args['password-stdin'] === true, settings)
    const account = { email, password, permissions }
    if (!(await withNewStore(settings, async (store) => create(store, account)))) {
      process.stderr.write(`jotward: the address ${email} has an account already\n`)
      return 1
    }
    await print(announcement)
    return 0
  },
})
