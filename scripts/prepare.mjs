/**
 * Makes a checkout ready to run: installs what is missing and builds what has changed. `npm start` and `npm test` are
 * the only commands that people are told, and each must work in a fresh clone.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * @typedef {{ version?: string, link?: boolean, dev?: boolean, optional?: boolean, devOptional?: boolean }} Entry
 *   One package, as package-lock.json and its own manifest have it.
 */

/**
 * @param {string} path
 * @returns {unknown}
 */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** @param {string} words */
const say = (words) => process.stdout.write(`${words}\n`)

/**
 * The version of an installed package, or null where it is missing.
 *
 * @param {string} place its folder, as package-lock.json names it
 */
const installedVersion = (place) => {
  try {
    return /** @type {Entry} */ (readJson(join(root, place, 'package.json'))).version
  } catch {
    return null
  }
}

/**
 * Whether everything that package-lock.json names is installed, in the versions that it names.
 *
 * @param {'serve' | 'all'} scope `serve` leaves out what only development needs
 */
const isInstalled = (scope) => {
  const lock = /** @type {{ packages: Record<string, Entry> }} */ (readJson(join(root, 'package-lock.json')))
  return Object.entries(lock.packages).every(([place, { version, link, dev, optional, devOptional }]) => {
    // Optional packages are there on some platforms only; the folders of our own are there in any case.
    if (!/(?:^|\/)node_modules\//.test(place) || optional || devOptional) return true
    if (dev && scope === 'serve') return true
    const installed = installedVersion(place)
    return link ? installed !== null : installed === version
  })
}

/**
 * Runs a program to its end, with our input, output and environment.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<void>}
 */
const run = (program, args) =>
  new Promise((resolve, reject) => {
    // npm is a script of the shell on Windows.
    const shell = program === 'npm' && process.platform === 'win32'
    const child = spawn(program, args, { cwd: root, stdio: 'inherit', shell })
    // Whoever stops us means the child too, which would go on by itself.
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      child.kill(signal)
      process.exit(1)
    }
    process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', stop)
    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop)
      if (code === 0) resolve()
      else reject(new Error(`this failed: ${[program, ...args].join(' ')}`))
    })
  })

/**
 * Installs what package-lock.json names, unless it is there.
 *
 * @param {'serve' | 'all'} scope `serve` leaves out what only development needs: a fifth of the packages remain
 */
export const ensureInstalled = async (scope) => {
  if (isInstalled(scope)) return
  say(scope === 'serve' ? 'Installing what serving needs…' : 'Installing everything, for development…')
  // Both by name, whatever NODE_ENV and npm's own settings say.
  // No package of ours needs an install script, and none may run one.
  await run('npm', ['ci', '--ignore-scripts', scope === 'serve' ? '--omit=dev' : '--include=dev'])
}

/** Builds the library, then the server on top of it; what has not changed is left alone. */
export const build = async () => {
  say('Building…')
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const project of ['tsconfig.build.json', 'server/tsconfig.build.json']) {
    await run(process.execPath, [compiler, '-p', project])
  }
}
