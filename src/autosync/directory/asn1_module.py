"""What LDAP messages look like, in ASN.1: the definitions of RFC 4511, and of the control values that are used here.

Written from the definitions in the RFCs. Two deviations, for the codec's sake: enumerations are declared as integers with
the tag of an enumeration, so that a code that nobody has heard of is a number and not an error; and the answers spell out
the members of LDAPResult.
"""

from typing import Final

MESSAGES: Final = """
Messages DEFINITIONS IMPLICIT TAGS ::= BEGIN

Octets ::= OCTET STRING
Code ::= [UNIVERSAL 10] INTEGER

Head ::= SEQUENCE { messageID INTEGER, ... }

Message ::= SEQUENCE {
  messageID INTEGER,
  protocolOp CHOICE {
    bindRequest BindRequest,
    bindResponse BindResponse,
    unbindRequest [APPLICATION 2] NULL,
    searchRequest SearchRequest,
    searchEntry SearchEntry,
    searchDone [APPLICATION 5] Result,
    searchReference [APPLICATION 19] SEQUENCE OF Octets,
    modifyRequest ModifyRequest,
    modifyResponse [APPLICATION 7] Result,
    addRequest AddRequest,
    addResponse [APPLICATION 9] Result,
    deleteRequest [APPLICATION 10] OCTET STRING,
    deleteResponse [APPLICATION 11] Result,
    renameRequest RenameRequest,
    renameResponse [APPLICATION 13] Result,
    compareRequest CompareRequest,
    compareResponse [APPLICATION 15] Result,
    abandonRequest [APPLICATION 16] INTEGER,
    extendedRequest ExtendedRequest,
    extendedResponse ExtendedResponse,
    intermediate Intermediate,
    ...
  },
  controls [0] SEQUENCE OF Control OPTIONAL
}

Control ::= SEQUENCE {
  controlType Octets,
  criticality BOOLEAN DEFAULT FALSE,
  controlValue Octets OPTIONAL
}

Result ::= SEQUENCE {
  resultCode Code,
  matchedDN Octets,
  diagnosticMessage Octets,
  referral [3] SEQUENCE OF Octets OPTIONAL,
  ...
}

BindRequest ::= [APPLICATION 0] SEQUENCE {
  version INTEGER,
  name Octets,
  authentication CHOICE {
    simple [0] OCTET STRING,
    sasl [3] SEQUENCE { mechanism Octets, credentials Octets OPTIONAL }
  }
}

BindResponse ::= [APPLICATION 1] SEQUENCE {
  resultCode Code,
  matchedDN Octets,
  diagnosticMessage Octets,
  referral [3] SEQUENCE OF Octets OPTIONAL,
  serverSaslCreds [7] OCTET STRING OPTIONAL
}

SearchRequest ::= [APPLICATION 3] SEQUENCE {
  baseObject Octets,
  scope Code,
  derefAliases Code,
  sizeLimit INTEGER,
  timeLimit INTEGER,
  typesOnly BOOLEAN,
  filter Filter,
  attributes SEQUENCE OF Octets
}

Filter ::= CHOICE {
  and [0] SET OF Filter,
  or [1] SET OF Filter,
  not [2] EXPLICIT Filter,
  equalityMatch [3] Assertion,
  substrings [4] Substrings,
  greaterOrEqual [5] Assertion,
  lessOrEqual [6] Assertion,
  present [7] OCTET STRING,
  approxMatch [8] Assertion,
  extensibleMatch [9] MatchingRule
}

Assertion ::= SEQUENCE { attributeDesc Octets, assertionValue Octets }

Substrings ::= SEQUENCE {
  type Octets,
  substrings SEQUENCE OF CHOICE { initial [0] OCTET STRING, any [1] OCTET STRING, final [2] OCTET STRING }
}

MatchingRule ::= SEQUENCE {
  matchingRule [1] OCTET STRING OPTIONAL,
  type [2] OCTET STRING OPTIONAL,
  matchValue [3] OCTET STRING,
  dnAttributes [4] BOOLEAN DEFAULT FALSE
}

Attribute ::= SEQUENCE { type Octets, vals SET OF Octets }

SearchEntry ::= [APPLICATION 4] SEQUENCE { objectName Octets, attributes SEQUENCE OF Attribute }

ModifyRequest ::= [APPLICATION 6] SEQUENCE {
  object Octets,
  changes SEQUENCE OF SEQUENCE { operation Code, modification Attribute }
}

AddRequest ::= [APPLICATION 8] SEQUENCE { entry Octets, attributes SEQUENCE OF Attribute }

RenameRequest ::= [APPLICATION 12] SEQUENCE {
  entry Octets,
  newrdn Octets,
  deleteoldrdn BOOLEAN,
  newSuperior [0] OCTET STRING OPTIONAL
}

CompareRequest ::= [APPLICATION 14] SEQUENCE { entry Octets, ava Assertion }

ExtendedRequest ::= [APPLICATION 23] SEQUENCE { requestName [0] OCTET STRING, requestValue [1] OCTET STRING OPTIONAL }

ExtendedResponse ::= [APPLICATION 24] SEQUENCE {
  resultCode Code,
  matchedDN Octets,
  diagnosticMessage Octets,
  referral [3] SEQUENCE OF Octets OPTIONAL,
  responseName [10] OCTET STRING OPTIONAL,
  responseValue [11] OCTET STRING OPTIONAL
}

Intermediate ::= [APPLICATION 25] SEQUENCE {
  responseName [0] OCTET STRING OPTIONAL,
  responseValue [1] OCTET STRING OPTIONAL
}

END
"""

CONTROL_VALUES: Final = """
ControlValues DEFINITIONS IMPLICIT TAGS ::= BEGIN

Octets ::= OCTET STRING
Code ::= [UNIVERSAL 10] INTEGER

-- RFC 2696
Page ::= SEQUENCE { size INTEGER, cookie Octets }

-- MS-ADTS 3.1.1.3.4.1.3
DirSync ::= SEQUENCE { flags INTEGER, size INTEGER, cookie Octets }

-- RFC 4533
SyncRequest ::= SEQUENCE { mode Code, cookie Octets OPTIONAL, reloadHint BOOLEAN DEFAULT FALSE }
SyncState ::= SEQUENCE { state Code, entryUUID Octets, cookie Octets OPTIONAL }
SyncDone ::= SEQUENCE { cookie Octets OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE }
SyncInfo ::= CHOICE {
  newcookie [0] OCTET STRING,
  refreshDelete [1] SEQUENCE { cookie Octets OPTIONAL, refreshDone BOOLEAN DEFAULT TRUE },
  refreshPresent [2] SEQUENCE { cookie Octets OPTIONAL, refreshDone BOOLEAN DEFAULT TRUE },
  syncIdSet [3] SEQUENCE { cookie Octets OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE, syncUUIDs SET OF Octets }
}

-- draft-ietf-ldapext-psearch
PersistentSearch ::= SEQUENCE { changeTypes INTEGER, changesOnly BOOLEAN, returnECs BOOLEAN }
EntryChange ::= SEQUENCE { changeType Code, previousDN Octets OPTIONAL, changeNumber INTEGER OPTIONAL }

END
"""
