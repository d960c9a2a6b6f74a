import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds once a run: the tests of the command line and of the server run what people run. */
export default function setup(): void {
  for (const project of ['tsconfig.build.json', 'server/tsconfig.build.json']) {
    const compiler = ['node_modules/typescript/bin/tsc', '-p', project]
    const { status } = spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' })
    if (status !== 0) throw new Error(`Building ${project} failed; see the compiler's words above.`)
  }
}
