/**
 * `npm run client` writes the OpenAPI document of the service and the types of @guestpass/client. The generator needs
 * TypeScript 5, so that it is installed here and not in the workspaces.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiDocument } from '@guestpass/server'
import { documentText, schemaText } from './texts.ts'

const here = import.meta.dirname
const client = join(here, '../../packages/client')
const document = join(client, 'openapi.json')
const schema = join(client, 'src/schema.ts')
const generated = join(here, 'node_modules/schema.d.ts')

if (!existsSync(join(here, 'node_modules/openapi-typescript')))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
const { version } = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8')) as { readonly version: string }
const text = documentText(await openApiDocument(version))
writeFileSync(document, text)
execFileSync(
  join(here, 'node_modules/.bin/openapi-typescript'),
  [document, '--output', generated, '--default-non-nullable=false'],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
  },
)
writeFileSync(schema, schemaText(text, readFileSync(generated, 'utf8')))
execFileSync('biome', ['format', '--write', document, schema], { stdio: ['ignore', 'ignore', 'inherit'] })
