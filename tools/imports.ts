import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What each folder of core may import besides itself and domain. Arrows point down only. */
const below: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ports: [],
  policy: ['ports'],
  mirror: ['policy', 'ports'],
  verify: ['mirror', 'ports'],
  upstream: ['mirror', 'policy', 'ports'],
  tokens: ['upstream', 'verify', 'policy', 'ports'],
  guests: ['tokens', 'upstream', 'verify', 'policy', 'ports'],
  connection: ['guests', 'tokens', 'upstream', 'verify', 'report', 'mirror', 'policy', 'ports'],
  sinks: ['ports'],
  outbox: ['sinks', 'ports'],
  stores: ['ports'],
  report: ['ports'],
  audit: ['verify', 'ports'],
  retention: ['guests', 'audit', 'report', 'ports'],
  why: ['guests', 'upstream', 'ports'],
  webhooks: ['audit', 'outbox', 'sinks', 'policy', 'ports'],
  node: ['webhooks', 'verify', 'ports'],
  web: ['stores', 'verify', 'ports'],
  testing: ['ports'],
}

/** What each room of these folders may import of the others. Files beside the rooms may import every room. */
const rooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  tokens: {
    renewal: [],
    access: ['renewal'],
    'sign-in': ['access', 'renewal'],
    clients: ['access'],
  },
  guests: {
    requests: [],
    events: [],
    tokens: ['requests', 'events'],
    enrichment: ['requests', 'events'],
    authentication: ['enrichment', 'tokens', 'requests', 'events'],
    records: ['authentication', 'enrichment', 'tokens', 'requests'],
  },
}

const core = ['', '/node', '/options', '/runtime-kit', '/store-kit'].map((entry) => `@guestpass/core${entry}`)

/** What each package may import of the others. */
const packages: Readonly<Record<string, readonly string[]>> = {
  core: [],
  sandbox: [],
  store: ['@guestpass/core', '@guestpass/core/node', '@guestpass/core/options', '@guestpass/core/store-kit'],
  runtime: [...core, '@guestpass/store/move', '@guestpass/store/postgres', '@guestpass/store/sqlite'],
  server: [...core, '@guestpass/runtime'],
  cli: [...core, '@guestpass/runtime', '@guestpass/server', '@guestpass/store/sqlite', '@guestpass/sandbox'],
}

/** Files where time, randomness, environment and network of the platform may be named. */
const ambientAllowed = [
  /^packages\/core\/src\/ports\/system\.ts$/,
  /^packages\/core\/src\/node\/environment\.ts$/,
  /^packages\/cli\/src\/(cli-process|front-door\/process)\.ts$/,
  /^packages\/sandbox\/src\/(clock|random)\.ts$/,
]
const ambient =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|(?<![.\w])(setTimeout|setInterval|fetch)\(|\bnew WebSocket\(|\bperformance\.now\(|(?<![.\w])crypto\.(randomUUID|getRandomValues)\(/
const vagueName = /(^|\/)(utils?|helpers?|common|shared|lib|misc)(\/|\.ts$)/

/** Source text without comments and without the inside of strings that are not import paths. */
const bare = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

const importsOf = (text: string): string[] =>
  [...text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm)].map(
    ([, a, b, c]) => a ?? b ?? c ?? '',
  )

/** Every fault of imports, cycles, ambient globals and names among the given source files (paths from the root). */
export function importFaults(root: string, files: readonly string[]): string[] {
  const texts = new Map(files.map((file) => [file, bare(readFileSync(join(root, file), 'utf8'))]))
  const graph = new Map<string, string[]>()
  const faults: string[] = []
  for (const [file, text] of texts) {
    if (vagueName.test(file)) faults.push(`${file}: a name that says nothing of what is in it`)
    const [, owner = ''] = file.split('/')
    const targets = importsOf(text)
    graph.set(
      file,
      targets
        .filter((target) => target.startsWith('.'))
        .map((target) => relative(root, join(root, dirname(file), target))),
    )
    for (const target of targets) faults.push(...direction(file, owner, target))
    if (ambientAllowed.some((allowed) => allowed.test(file))) continue
    const found = ambient.exec(text)
    if (found) faults.push(`${file}: ${found[0]} belongs to the ports`)
  }
  return [...faults, ...cycles(graph)]
}

function direction(file: string, owner: string, target: string): string[] {
  if (!target.startsWith('.')) {
    if (target.startsWith('node:') && owner === 'core' && !file.startsWith('packages/core/src/node/'))
      return [`${file}: ${target} outside src/node`]
    const ours = target === 'guestpass' || target.startsWith('@guestpass/')
    return ours && !packages[owner]?.includes(target) ? [`${file}: ${owner} may not import ${target}`] : []
  }
  const full = join(dirname(file), target)
  if (!full.startsWith(`packages/${owner}/src/`) && full !== `packages/${owner}/package.json`)
    return [`${file}: ${target} leaves its package`]
  if (owner === 'cli' && roomOf(file) !== roomOf(full)) return [`${file}: ${target} is in another room of its package`]
  if (owner !== 'core') return []
  const [, , , from = '', part] = file.split('/')
  const [, , , to = '', toPart] = full.split('/')
  if (
    from === 'upstream' &&
    to === 'upstream' &&
    !toPart?.endsWith('.ts') &&
    part !== toPart &&
    !part?.endsWith('.ts')
  ) {
    return [`${file}: one upstream API may not import another (${target})`]
  }
  if (from === to) return roomFaults(file, from, part, toPart)
  if (!(from in below) || to === 'domain' || full === `packages/${owner}/package.json`) return []
  return below[from]?.includes(to) ? [] : [`${file}: ${from} may not import ${to}`]
}

/** The fault of an import between two rooms of one folder, if it is one. */
function roomFaults(file: string, folder: string, from = '', to = ''): string[] {
  const allowed = rooms[folder]?.[from]
  if (!allowed || from === to || allowed.includes(to)) return []
  return [`${file}: ${folder}/${from} may not import ${folder}/${to}`]
}

/** Command, front door and middleware stand beside each other on the runtime: none of them needs another. */
const roomOf = (file: string): string => {
  const [, , , folder = ''] = file.split('/')
  return ['front-door', 'middleware'].includes(folder) ? folder : 'command'
}

function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const faults: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file))
      return void faults.push(`import cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return faults
}
