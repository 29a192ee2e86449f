import { resolve } from 'node:path'
import type { Field } from '@guestpass/core'
import { readFault } from '../text-file.ts'
import type { Files } from './files.ts'
import type { Variables } from './layers.ts'
import { keyOfVariable, type Setting, settings } from './settings.ts'

const SUFFIX = '_FILE'

/** The setting whose secret a variable names a file for, as GENESYS_CLIENT_SECRET_FILE does. */
function secretOf(name: string): { readonly variable: string; readonly setting: Setting } | undefined {
  if (!name.endsWith(SUFFIX)) return undefined
  const variable = name.slice(0, -SUFFIX.length)
  const key = keyOfVariable(variable)
  const setting: Setting | undefined = key && settings[key]
  return setting?.secret ? { variable, setting } : undefined
}

/**
 * The variables with the secrets that stand in files, as containers mount them: `NAME_FILE` names the file of `NAME`, relative paths from
 * the current folder. Settings of a connection are read for the connection `default` alone. An empty variable counts as unset.
 */
export async function withSecretFiles(
  variables: Variables,
  { cwd, files, connection }: { readonly cwd: string; readonly files: Files; readonly connection: string },
): Promise<{ readonly variables: Variables; readonly faults: readonly Field[] }> {
  const found: Record<string, string | undefined> = { ...variables }
  const faults: Field[] = []
  for (const [field, written] of Object.entries(variables)) {
    const secret = secretOf(field)
    if (!secret) continue
    const { variable, setting } = secret
    found[field] = undefined
    const path = written?.trim()
    if (!path || (setting.of === 'connection' && connection !== 'default')) continue
    if (variables[variable]?.trim()) {
      faults.push({ field, message: `is set beside ${variable}`, remedy: 'Keep one of the two.' })
      continue
    }
    try {
      const text = (await files.read(resolve(cwd, path)))?.trim()
      if (text) found[variable] = text
      else
        faults.push({
          field,
          message: 'names a file that is empty, or not there',
          remedy: `Have it hold ${setting.write}.`,
        })
    } catch (thrown) {
      faults.push({ field, ...readFault(thrown) })
    }
  }
  return { variables: found, faults }
}
