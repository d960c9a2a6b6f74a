import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isTypeNode, SyntaxKind } from 'typescript/unstable/ast'
import type { Node } from 'typescript/unstable/ast'
import { API, TypeFlags } from 'typescript/unstable/sync'
import type { Diagnostic, Project, Snapshot } from 'typescript/unstable/sync'

/** The compiler itself, asked about files as they are, or as they would be with others in their place. */

const root = fileURLToPath(new URL('../../', import.meta.url))

export const textOf = (name: string): string => readFileSync(`${root}${name}`, 'utf8')

type Texts = Readonly<Record<string, string>>

/** A compiler that stays open, for what it has read once it need not read again. */
export interface Compiler {
  /** What it complains of in files of ours, with texts in the place of others or beside them. */
  readonly complaintsIn: (names: readonly string[], texts?: Texts) => readonly string[]
  /** Whatever stands for a type in one of our own declaration files, and is `any` or nothing that is known. */
  readonly anyTypesIn: (names: readonly string[], texts?: Texts) => AnyTypes
  readonly close: () => void
}

export interface AnyTypes {
  readonly found: readonly string[]
  /** How many files and types were looked at. */
  readonly files: number
  readonly types: number
}

/** A complaint in words that last: the file, the declaration, and what an unused `@ts-expect-error` is about. */
const complaint = (name: string, text: string, { pos, text: message }: Diagnostic): string => {
  const [, declaration = ''] = [...text.slice(0, pos).matchAll(/^export (?:const|class) (\w+)/gm)].at(-1) ?? []
  const [line = ''] = text.slice(pos).split('\n', 1)
  const [, about = message] = /^.*@ts-expect-error (.*)$/.exec(line) ?? []
  return `${basename(name, '.ts')}.${declaration}: ${about}`
}

const typeNodesBelow = (node: Node): readonly Node[] => {
  const nodes: Node[] = []
  const visit = (child: Node): void => {
    // A span of a template is no type by itself.
    if (isTypeNode(child) && child.kind !== SyntaxKind.TemplateLiteralTypeSpan) nodes.push(child)
    child.forEachChild(visit)
  }
  node.forEachChild(visit)
  return nodes
}

const complaintsOf = ({ program }: Project, names: readonly string[]): readonly string[] =>
  names.flatMap((name) => {
    const path = `${root}${name}`
    const found = [...program.getSyntacticDiagnostics(path), ...program.getSemanticDiagnostics(path)]
    return found.map((diagnostic) => complaint(name, textOf(name), diagnostic))
  })

const anyTypesOf = ({ program, checker }: Project): AnyTypes => {
  const own = program.getSourceFileNames().filter((path) => path.startsWith(`${root}dist/`))
  const found: string[] = []
  let types = 0
  for (const path of own) {
    const file = program.getSourceFile(path)
    if (file === undefined) throw new Error(`the compiler does not know ${path}`)
    const nodes = typeNodesBelow(file)
    types += nodes.length
    for (const [index, type] of checker.getTypeAtLocation(nodes).entries()) {
      if (type !== undefined && (type.flags & TypeFlags.Any) === 0 && !type.isErrorType()) continue
      const { pos = 0, end = 0 } = nodes[index] ?? {}
      found.push(`${path.slice(root.length)}: ${file.text.slice(pos, end).trim()}`)
    }
  }
  return { found, files: own.length, types }
}

export const openCompiler = (): Compiler => {
  let texts = new Map<string, string>()
  let snapshot: Snapshot | null = null
  const api = new API({
    cwd: root,
    fs: {
      readFile: (path) => texts.get(path),
      // Undefined is the answer that leaves a path to the real file system.
      fileExists: (path) => (texts.has(path) ? true : undefined),
    },
  })

  /** A project of just these files and what they import, in a folder whose settings it takes. */
  const open = (folder: string, base: string, names: readonly string[], given: Texts): Project => {
    const config = `${root}${folder}/tsconfig.asked.json`
    const settings = {
      extends: `../${base}`,
      compilerOptions: { noEmit: true },
      files: names.map((n) => `${root}${n}`),
    }
    const former = { names: [...texts.keys()], snapshot }
    const entries = Object.entries(given).map(([name, text]): [string, string] => [`${root}${name}`, text])
    texts = new Map([...entries, [config, JSON.stringify(settings)]])
    const fileChanges = { changed: [...new Set([...former.names, ...texts.keys()])] }
    snapshot = api.updateSnapshot({ openProjects: [config], fileChanges })
    former.snapshot?.dispose()
    const project = snapshot.getProject(config)
    if (project === undefined) throw new Error(`the compiler cannot open ${config}`)
    return project
  }

  return {
    complaintsIn: (names, given = {}) => complaintsOf(open('test', 'tsconfig.json', names, given), names),
    anyTypesIn: (names, given = {}) =>
      anyTypesOf(open('dist', 'tsconfig.base.json', [...names, ...Object.keys(given)], given)),
    close: () => {
      snapshot?.dispose()
      api.close()
    },
  }
}
