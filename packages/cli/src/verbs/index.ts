import type { Verb } from '../frame/verb.ts'
import { auditCheckpoint } from './audit-checkpoint.ts'
import { auditExportVerb } from './audit-export.ts'
import { auditTail } from './audit-tail.ts'
import { auditVerify } from './audit-verify.ts'
import { config } from './config.ts'
import { connectionsList, connectionsShow } from './connections.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { guestImport } from './guest-import.ts'
import { guestIssue } from './guest-issue.ts'
import { guestErase, guestInvalidate, guestList, guestRevoke, guestShow } from './guest-records.ts'
import { guestRefresh } from './guest-refresh.ts'
import { guestToken } from './guest-token.ts'
import { keep } from './keep.ts'
import { keysList, keysRotate } from './keys.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { report } from './report.ts'
import { sandbox } from './sandbox.ts'
import { token } from './token.ts'
import { verify } from './verify.ts'
import { webhooksDead, webhooksRedeliver, webhooksTest } from './webhook-deliveries.ts'
import { webhooksAdd, webhooksEnable, webhooksList, webhooksRemove, webhooksRotate } from './webhook-endpoints.ts'

/** Groups of verbs, with what they are about. */
export const groups: Readonly<Record<string, string>> = {
  connections: 'Show how connections get their access tokens',
  guest: 'Issue, authenticate, show, renew, revoke and erase guests',
  audit: 'Read, check and export the audit log',
  keys: 'Show and rotate the keys that the store seals with',
  webhooks: 'Tell other systems what happens, signed and until they have it',
}

/** Every verb, in the order of the help. */
export const verbs: readonly Verb[] = [
  demo,
  sandbox,
  login,
  logout,
  connectionsList,
  connectionsShow,
  token,
  guestIssue,
  guestImport,
  guestToken,
  guestRefresh,
  guestShow,
  guestList,
  guestRevoke,
  guestErase,
  guestInvalidate,
  keep,
  verify,
  auditTail,
  auditVerify,
  auditExportVerb,
  auditCheckpoint,
  webhooksList,
  webhooksAdd,
  webhooksRemove,
  webhooksEnable,
  webhooksRotate,
  webhooksTest,
  webhooksDead,
  webhooksRedeliver,
  keysList,
  keysRotate,
  report,
  doctor,
  config,
]
