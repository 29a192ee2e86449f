import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tutorialUpstream } from '../../../packages/cli/test/upstream/tutorial-upstream.ts'
import type { Cell } from '../cell.ts'
import { complaint, ended, failure } from '../program.ts'
import type { Project } from '../project.ts'

const FIRST = `import { guestpass } from 'guestpass'
const gp = await guestpass()
const { guestId, token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
console.log(guestId, (await gp.verify(token.reveal(), { subject: guestId })).valid)
await gp.close()
`
/** The next process, of CommonJS. */
const SECOND = `const { guestpass } = require('guestpass')
guestpass().then(async (gp) => {
  const { guestId } = await gp.guests.show(process.argv[2])
  console.log(guestId, 'found')
  await gp.close()
})
`

async function issuedAndFound({ folder, node, env }: Project): Promise<string | undefined> {
  const upstream = await tutorialUpstream()
  upstream.client.scopes = ['webmessaging:guest:create']
  const cwd = mkdtempSync(join(folder, 'program-'))
  writeFileSync(join(cwd, 'first.mjs'), FIRST)
  writeFileSync(join(cwd, 'second.cjs'), SECOND)
  const settings = {
    GENESYS_OAUTH_BASE_URL: upstream.url,
    GENESYS_API_BASE_URL: upstream.url,
    GENESYS_CLIENT_ID: upstream.client.id,
    GENESYS_CLIENT_SECRET: upstream.client.secret,
    GENESYS_PUBLIC_KEY: upstream.publicKey.replaceAll('\n', String.raw`\n`),
  }
  const options = { cwd, env: { ...env, ...settings } }
  try {
    const first = await ended(node.program, ['first.mjs'], options)
    const [guestId = '', valid] = first.stdout.trim().split(' ')
    if (failure(first) || valid !== 'true') return failure(first) ?? first.stdout
    const second = await ended(node.program, ['second.cjs', guestId], options)
    return complaint(second) ?? (second.stdout === `${guestId} found\n` ? undefined : second.stdout)
  } finally {
    await upstream.close()
  }
}

/** Five lines issue and verify a guest at an upstream that is not the sandbox, and another process finds the guest. */
export const frontDoorCell = (project: Project): Cell => ({
  name: `Node ${project.node.version}: guestpass() issues and verifies a guest, and a second run finds it`,
  run: () => issuedAndFound(project),
})
