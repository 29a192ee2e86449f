import { pathToFileURL } from 'node:url'
import { formOf } from '../packages/runtime/src/config/kinds.ts'
import { settingEntries, optionName } from '../packages/runtime/src/config/settings.ts'

const types = { text: 'text', number: 'number', boolean: 'boolean', list: 'text or list', params: 'object' }

/** Options that are no setting by themselves. */
const own: readonly (readonly [option: string, takes: string, instead: string])[] = [
  ['`connection`', 'text', 'the connection `default`'],
  ['`store`', "`'memory'` or a path", '`GUESTPASS_DATABASE_URL`, else `./.guestpass/guestpass.db`'],
  ['`webhooks`', '{ `idp`, `idm`, `analytics`, `secret` }', 'the webhooks of the environment, each by itself'],
  ['`audit`', 'function of a record', 'none'],
  ['`log`', 'function of a line', 'each line once on standard error'],
  ['`env`', 'object', 'the environment of the process'],
  ['`cwd`', 'path', 'the folder of the process'],
]

/** The options of `guestpass()` as a table in Markdown. */
export function optionTable(): string {
  const settings = settingEntries.flatMap(([key, { names, kind, secret }]) => {
    const option = optionName(key)
    if (option === undefined || option === 'store') return []
    const takes = types[formOf(kind)] + (secret ? ' or `Secret`' : '')
    return [[`\`${option}\``, takes, `\`${names[0]}\``] as const]
  })
  const rows = [['Option', 'Takes', 'If not given'], ['---', '---', '---'], ...own, ...settings]
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(optionTable())
