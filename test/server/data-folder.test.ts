import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isExposed, openDataFolder } from '../../server/src/data-folder.ts'
import { fileRemedy } from '../../server/src/file-remedy.ts'
import { keptIssuer, localUrl } from '../../server/src/issuer.ts'
import { keptFile } from '../../server/src/kept-file.ts'
import { openStore, storeProblem } from '../../server/src/open-store.ts'
import { readSigningKeys } from '../../server/src/signing-keys.ts'
import { givenSecret, keptSecret } from '../../server/src/signing-secret.ts'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { temporaryFolder } from './processes.ts'

const modeOf = (path: string): number => statSync(path).mode & 0o777

const compiled = (name: string): string => JSON.stringify(new URL(`../../server/dist/${name}.js`, import.meta.url).href)

/** What a script writes to its standard output in a process of its own. */
const outputOf = async (script: string): Promise<string> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await once(child, 'close')
  return text
}

/** Reads the kept secret in a process of its own, at the given time. */
const readSecretAt = (file: string, atMs: number): Promise<string> =>
  outputOf(`
    const { keptSecret } = await import(${compiled('signing-secret')})
    while (Date.now() < ${atMs});
    process.stdout.write(keptSecret(${JSON.stringify(file)}).reveal())`)

/** Opens twenty new databases in a process of its own, one every 50 ms, and tells how many it got. */
const openStoresFrom = (folder: string, atMs: number): Promise<string> =>
  outputOf(`
    const { openStore } = await import(${compiled('open-store')})
    let opened = 0
    for (let round = 0; round < 20; round++) {
      while (Date.now() < ${atMs} + 50 * round);
      const store = await openStore(${JSON.stringify(folder)} + '/' + round)
      await store.close()
      opened++
    }
    process.stdout.write(String(opened))`)

const refusalOf = (work: () => unknown): string => {
  try {
    work()
    return ''
  } catch (error) {
    return String(error)
  }
}

describe('the data folder', () => {
  test('is made for its owner alone', () => {
    const path = join(temporaryFolder(), 'a', 'data')
    openDataFolder(path)
    expect(modeOf(path)).toBe(0o700)
  })

  test('is refused with a remedy where a file has its name', () => {
    const path = join(temporaryFolder(), 'data')
    writeFileSync(path, 'mine')
    expect(() => openDataFolder(path)).toThrow(/^JOTWARD_DATA: .* \(EEXIST\); make it a folder/)
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })
})

describe('a kept file', () => {
  test('is written once and never again', () => {
    const path = join(temporaryFolder(), 'kept')
    expect(keptFile(path, () => 'first')).toBe('first')
    expect(keptFile(path, () => 'second')).toBe('first')
    expect(modeOf(path)).toBe(0o600)
  })

  test('leaves no draft behind', () => {
    const folder = temporaryFolder()
    keptFile(join(folder, 'kept'), () => 'text')
    expect(readdirSync(folder)).toEqual(['kept'])
  })

  test('gives two processes that start at once the same text', async () => {
    for (let round = 0; round < 3; round++) {
      const file = join(temporaryFolder(), 'secret')
      const start = Date.now() + 500
      const texts = await Promise.all([readSecretAt(file, start), readSecretAt(file, start)])
      expect(texts[0]).toHaveLength(43)
      expect(texts[1]).toBe(texts[0])
    }
  })
})

describe('the kept secret', () => {
  test('is 32 random bytes in base64url, for its owner alone', () => {
    const first = join(temporaryFolder(), 'secret')
    const second = join(temporaryFolder(), 'secret')
    expect(keptSecret(first).reveal()).toMatch(/^[\w-]{43}$/)
    expect(keptSecret(first).reveal()).not.toBe(keptSecret(second).reveal())
    expect(modeOf(first)).toBe(0o600)
  })

  test.each([
    ['empty', ''],
    ['cut off', 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzB'],
    ['blank', ' \n\n'],
  ])('is refused and left alone where it is %s', (_what, text) => {
    const file = join(temporaryFolder(), 'secret')
    writeFileSync(file, text, { mode: 0o600 })
    expect(() => keptSecret(file)).toThrow(/: the secret has \d+ characters and needs 43 or more; restore it/)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('is refused where it is no text, as a disk leaves it that went full', () => {
    for (const text of [
      '\0'.repeat(44),
      `${'q3Zk9vR1'.repeat(6)}\u{FFFD}`,
      `${'q3Zk9vR1'.repeat(4)}\n${'q3Zk9vR1'.repeat(4)}`,
    ]) {
      const file = join(temporaryFolder(), 'secret')
      writeFileSync(file, text, { mode: 0o600 })
      expect(refusalOf(() => keptSecret(file))).toMatch(/the secret is not printable ASCII text; restore it/)
      expect(readFileSync(file, 'utf8')).toBe(text)
    }
  })

  test('never appears in the words of a refusal', () => {
    const file = join(temporaryFolder(), 'secret')
    writeFileSync(file, 'canarycanary!', { mode: 0o600 })
    expect(refusalOf(() => keptSecret(file))).toMatch(/the secret has 13 characters(?!.*canary)/)
  })

  test('is refused where other users may read it', () => {
    const file = join(temporaryFolder(), 'secret')
    keptSecret(file)
    chmodSync(file, 0o640)
    expect(() => keptSecret(file)).toThrow(`run "chmod 600 ${file}"`)
    expect(modeOf(file)).toBe(0o640)
  })
})

describe('a file of secrets', () => {
  test.each([
    ['is ours, for us alone', { mode: 0o600, uid: 1000 }, 1000, false],
    ['is ours, for our group too', { mode: 0o640, uid: 1000 }, 1000, true],
    ['is of root, for our group too', { mode: 0o640, uid: 0 }, 1000, false],
    ['is of root, for our group too, and not to be written', { mode: 0o440, uid: 0 }, 1000, false],
    ['is of root, and our group may write it', { mode: 0o660, uid: 0 }, 1000, true],
    ['is of root, for everybody', { mode: 0o444, uid: 0 }, 1000, true],
    ['is of root, for its group, while we are root', { mode: 0o640, uid: 0 }, 0, true],
    ['is of somebody else, for our group', { mode: 0o640, uid: 1001 }, 1000, true],
  ])('that %s (%j, we are %i) is exposed: %s', (...[, file, ownUid, exposed]) => {
    expect(isExposed({ ...file, mode: 0o100_000 | file.mode }, ownUid)).toBe(exposed)
  })

  test('that somebody else keeps is read without white space around it', () => {
    const file = join(temporaryFolder(), 'given')
    writeFileSync(file, 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe\r\n', { mode: 0o600 })
    expect(givenSecret(file)).toMatchObject({ source: 'JOTWARD_SECRET_FILE' })
    expect(givenSecret(file).reveal()).toBe('q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe')
  })

  test.each([
    ['missing', null, 0, /^JOTWARD_SECRET_FILE: .* \(ENOENT\); name the file/],
    ['for everybody', 'canarycanary', 0o644, /^JOTWARD_SECRET_FILE: other users may read the secret; run "chmod 600/],
    ['empty', '\n', 0o600, /^JOTWARD_SECRET_FILE: .* does not hold printable ASCII text/],
    ['no text', 'canary\0', 0o600, /^JOTWARD_SECRET_FILE: .* does not hold printable ASCII text/],
  ])('that somebody else keeps is refused where it is %s', (_what, text, mode, words) => {
    const file = join(temporaryFolder(), 'given')
    if (text !== null) writeFileSync(file, text, { mode })
    const refusal = refusalOf(() => givenSecret(file)).replace('ConfigError: ', '')
    expect(refusal).toMatch(words)
    expect(refusal).not.toContain('canary')
  })
})

describe('the remedy', () => {
  test.each([
    ['secret', (file: string) => keptSecret(file)],
    ['issuer', (file: string) => keptIssuer(file, 'http://localhost')],
    ['signing key', (file: string) => readSigningKeys(file)],
  ])('where a folder has the name of the file (%s) is to give it another name', (_what, read) => {
    expect(refusalOf(() => read(temporaryFolder()))).toMatch(/\(EISDIR\); a folder has the name of the file/)
  })

  test('for a full disk is space, and never to move anything away', () => {
    const database = openSqlite(':memory:')
    database.exec('CREATE TABLE t (a); PRAGMA max_page_count = 2')
    const refusal = refusalOf(() => {
      try {
        database.exec(`INSERT INTO t VALUES ('${'x'.repeat(20_000)}')`)
      } catch (error) {
        throw storeProblem('jotward.sqlite', error)
      } finally {
        database.close()
      }
    })
    expect(refusal).toBe('ConfigError: jotward.sqlite: database or disk is full; free space on its disk')
    expect(fileRemedy('ENOSPC', '')).toBe('free space on its disk')
  })

  test('for a database that cannot be opened is the right to it, said once', async () => {
    const file = join(temporaryFolder(), 'nowhere', 'jotward.sqlite')
    const refusal = await openStore(file).then(
      () => '',
      (error: unknown) => String(error),
    )
    const remedy = 'give this user the right to read and write it and its folder'
    expect(refusal).toBe(`ConfigError: ${file}: cannot be opened; ${remedy}`)
  })

  test('for a folder in place of the database is to give it another name', async () => {
    const file = temporaryFolder()
    await expect(openStore(file)).rejects.toThrow(`${file}: is a folder, and should be the file of the database`)
  })
})

describe('the kept issuer', () => {
  test('is that of the first start', () => {
    const file = join(temporaryFolder(), 'issuer')
    expect(keptIssuer(file, 'http://127.0.0.1:8787')).toBe('http://127.0.0.1:8787')
    expect(keptIssuer(file, 'http://127.0.0.1:9999')).toBe('http://127.0.0.1:8787')
  })

  test.each([
    ['', 'the file is empty'],
    ['not a url', 'is not an issuer'],
  ])('is refused where the file holds %j', (text, words) => {
    const file = join(temporaryFolder(), 'issuer')
    writeFileSync(file, text)
    expect(() => keptIssuer(file, 'http://127.0.0.1:8787')).toThrow(words)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test.each([
    ['127.0.0.1', 'IPv4', 'http://127.0.0.1:80'],
    ['::1', 'IPv6', 'http://[::1]:80'],
    ['0.0.0.0', 'IPv4', 'http://localhost:80'],
    ['::', 'IPv6', 'http://localhost:80'],
  ])('is a URL that reaches the address %s', (address, family, url) => {
    expect(localUrl({ address, family, port: 80 })).toBe(url)
  })
})

describe('the database', () => {
  test.each([
    ['not a database', Buffer.alloc(4096, 'no database, but somebody wants it back ')],
    ['cut off after its first page', Buffer.from('SQLite format 3\0')],
  ])('is refused and left alone where the file is %s', async (_what, bytes) => {
    const file = join(temporaryFolder(), 'jotward.sqlite')
    writeFileSync(file, bytes)
    await expect(openStore(file)).rejects.toThrow(/jotward\.sqlite: .+; restore it from a backup/)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  test('is refused and left alone where a page in its midst is damaged', async () => {
    const file = join(temporaryFolder(), 'jotward.sqlite')
    const store = await openStore(file)
    await store.close()
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 3 * 4096, 5 * 4096)
    writeFileSync(file, bytes)
    await expect(openStore(file)).rejects.toThrow(/jotward\.sqlite: .*damaged.*; restore it from a backup/)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  test('is made once by processes that start at once, and opened by all of them', async () => {
    const folder = temporaryFolder()
    const start = Date.now() + 500
    const opened = await Promise.all([1, 2, 3, 4].map(() => openStoresFrom(folder, start)))
    expect(opened).toEqual(['20', '20', '20', '20'])
  })

  test('keeps what was written when it is closed and opened again', async () => {
    const file = join(temporaryFolder(), 'jotward.sqlite')
    const first = await openStore(file)
    const user = {
      email: 'a@b.example',
      canonicalEmail: 'a@b.example',
      passwordHash: null,
      permissions: [],
      profile: {},
    }
    await first.users.create(user)
    await first.close()
    const second = await openStore(file)
    expect(await second.users.findByEmail('a@b.example')).toMatchObject({ email: 'a@b.example' })
    await second.close()
  })
})
