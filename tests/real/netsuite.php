<?php
/**
 * A SuiteTalk service for the tests: PHP's SoapServer over NetSuite's own 2017.2 WSDL, with records of our own.
 *
 * Started by tests/it/real/netsuite.rs as `php -S 127.0.0.1:PORT netsuite.php`. The environment says where things are:
 *   NETSUITE_WSDL   path of netsuite.wsdl
 *   NETSUITE_DATA   path of a JSON file: { "login": {...}, "customers": [...], "opportunities": [...], "contacts": [...], "employees": [...] }
 * Writes (`update`) go back to NETSUITE_DATA under a lock, because every request is its own PHP run.
 *
 * Answers like the original: getList says isSuccess per record inside HTTP 200, records carry xsi:type, a refused login is
 * a typed fault on HTTP 500, a search has pages and an id to fetch more of them.
 */
declare(strict_types=1);

const CORE = 'urn:core_2017_2.platform.webservices.netsuite.com';
const FAULTS = 'urn:faults_2017_2.platform.webservices.netsuite.com';
const RELATIONSHIPS = 'urn:relationships_2017_2.lists.webservices.netsuite.com';
const SALES = 'urn:sales_2017_2.transactions.webservices.netsuite.com';
const PAGE_SIZE_LEAST = 5;
const PAGE_SIZE_MOST = 1000;

final class Store
{
    public function __construct(private readonly string $path)
    {
    }

    public function read(): array
    {
        $file = fopen($this->path, 'r');
        flock($file, LOCK_SH);
        $data = json_decode(stream_get_contents($file), true, flags: JSON_THROW_ON_ERROR);
        fclose($file);
        return $data;
    }

    /** @param callable(array): array $change */
    public function change(callable $change): void
    {
        $file = fopen($this->path, 'r+');
        flock($file, LOCK_EX);
        $data = $change(json_decode(stream_get_contents($file), true, flags: JSON_THROW_ON_ERROR));
        rewind($file);
        ftruncate($file, 0);
        fwrite($file, json_encode($data, JSON_THROW_ON_ERROR));
        fclose($file);
    }
}

final class NetSuite
{
    private ?string $refusal = 'You must send a Passport or a TokenPassport header.';
    private int $pageSize = 1000;
    private array $data;

    public function __construct(private readonly Store $store)
    {
        $this->data = $store->read();
    }

    // ---- headers ---------------------------------------------------------------------------------------------------

    public function passport(object $passport): void
    {
        $login = $this->data['login'];
        $known = hash_equals($login['email'], $passport->email) && hash_equals($login['password'], $passport->password)
            && hash_equals($login['account'], $passport->account);
        $this->refusal = $known ? null : 'You have entered an invalid email address or password. Please try again.';
    }

    /** Token-based authentication: HMAC-SHA256 over account, consumer key, token, nonce and timestamp. */
    public function tokenPassport(object $passport): void
    {
        $login = $this->data['login'];
        $base = implode('&', array_map(rawurlencode(...), [
            $passport->account, $passport->consumerKey, $passport->token, $passport->nonce, (string) $passport->timestamp,
        ]));
        $secret = rawurlencode($login['consumerSecret']) . '&' . rawurlencode($login['tokenSecret']);
        $signature = base64_encode(hash_hmac('sha256', $base, $secret, true));
        $known = $passport->account === $login['account'] && $passport->consumerKey === $login['consumerKey']
            && $passport->token === $login['token'] && $passport->signature->algorithm === 'HMAC-SHA256'
            && hash_equals($signature, $passport->signature->_);
        $this->refusal = $known ? null : 'Invalid login attempt.';
    }

    public function searchPreferences(object $preferences): void
    {
        $asked = (int) ($preferences->pageSize ?? PAGE_SIZE_MOST);
        $this->pageSize = max(PAGE_SIZE_LEAST, min(PAGE_SIZE_MOST, $asked));
    }

    // ---- operations ------------------------------------------------------------------------------------------------

    public function get(object $request): array
    {
        $this->authenticate();
        return ['readResponse' => $this->read($request->baseRef)];
    }

    public function getList(object $request): array
    {
        $this->authenticate();
        $asked = is_array($request->baseRef) ? $request->baseRef : [$request->baseRef];
        if (count($asked) > PAGE_SIZE_MOST) {
            throw self::fault('exceededRecordCountFault', 'MAX_RCRDS_EXCEEDED', 'The maximum number of records has been exceeded.');
        }
        return ['readResponseList' => ['status' => self::success(), 'readResponse' => array_map($this->read(...), $asked)]];
    }

    public function search(object $request): array
    {
        $this->authenticate();
        $query = ['kind' => self::searched($request->searchRecord), 'pageSize' => $this->pageSize];
        $basic = $request->searchRecord->basic ?? null;
        if (isset($basic->email)) {
            $query['email'] = [$basic->email->operator ?? '', $basic->email->searchValue ?? ''];
        }
        foreach (['entity', 'parent', 'company'] as $reference) {
            if (isset($basic->$reference)) {
                $query[$reference] = self::ids($basic->$reference->searchValue ?? []);
            }
        }
        if (isset($basic->entityId)) {
            $query['entityId'] = $basic->entityId->searchValue ?? '';
        }
        if (isset($basic->internalIdNumber)) {
            $query['above'] = (int) $basic->internalIdNumber->searchValue;
        }
        return ['searchResult' => $this->page($query, 1)];
    }

    public function searchMoreWithId(object $request): array
    {
        $this->authenticate();
        $query = json_decode(base64_decode(substr($request->searchId, strlen('WEBSERVICES_'))) ?: 'null', true);
        if (!is_array($query)) {
            throw self::fault('unexpectedErrorFault', 'INVALID_JOB_ID', 'Invalid search id.');
        }
        return ['searchResult' => $this->page($query, (int) $request->pageIndex)];
    }

    public function update(object $request): array
    {
        $this->authenticate();
        $record = $request->record;
        $id = $record->internalId ?? '';
        $found = false;
        $this->store->change(function (array $data) use ($record, $id, &$found): array {
            foreach ($data['customers'] as &$customer) {
                if ($customer['internalId'] !== $id) {
                    continue;
                }
                $found = true;
                foreach (['companyName', 'firstName', 'lastName', 'email', 'phone', 'altPhone', 'mobilePhone'] as $field) {
                    $customer[$field] = $record->$field ?? $customer[$field] ?? null;
                }
            }
            return $data;
        });
        $this->data = $this->store->read();
        $base = new SoapVar(['internalId' => $id, 'type' => 'customer'], SOAP_ENC_OBJECT, 'RecordRef', CORE);
        return ['writeResponse' => ['status' => $found ? self::success() : self::missing($id), 'baseRef' => $base]];
    }

    // ---- records ---------------------------------------------------------------------------------------------------

    private function read(object $ref): array
    {
        $kind = $ref->type ?? '';
        $id = (string) ($ref->internalId ?? '');
        foreach ($this->records($kind) as $record) {
            if ($record['internalId'] === $id) {
                return ['status' => self::success(), 'record' => self::record($kind, $record)];
            }
        }
        return ['status' => self::missing($id)];
    }

    private function records(string $kind): array
    {
        return match ($kind) {
            'customer' => $this->data['customers'],
            'opportunity' => $this->data['opportunities'],
            'contact' => $this->data['contacts'] ?? [],
            default => throw self::fault('unexpectedErrorFault', 'USER_ERROR', "No records of the type {$kind}."),
        };
    }

    private function page(array $query, int $number): array
    {
        $found = array_values(array_filter($this->records($query['kind']), fn (array $record): bool => self::fits($record, $query)));
        $pages = (int) ceil(count($found) / $query['pageSize']);
        if ($number > max($pages, 1)) {
            throw self::fault('unexpectedErrorFault', 'USER_ERROR', "Page {$number} does not exist.");
        }
        $slice = array_slice($found, ($number - 1) * $query['pageSize'], $query['pageSize']);
        return [
            'status' => self::success(),
            'totalRecords' => count($found),
            'pageSize' => $query['pageSize'],
            'totalPages' => $pages,
            'pageIndex' => $number,
            'searchId' => 'WEBSERVICES_' . base64_encode(json_encode($query)),
            'recordList' => ['record' => array_map(fn (array $record): SoapVar => self::record($query['kind'], $record), $slice)],
        ];
    }

    private static function fits(array $record, array $query): bool
    {
        if (isset($query['above']) && (int) $record['internalId'] <= $query['above']) {
            return false;
        }
        if (isset($query['entity']) && !in_array($record['entity'] ?? '', $query['entity'], true)) {
            return false;
        }
        foreach (['parent', 'company'] as $reference) {
            if (isset($query[$reference]) && !in_array($record[$reference]['internalId'] ?? '', $query[$reference], true)) {
                return false;
            }
        }
        if (isset($query['entityId']) && !str_contains(strtolower($record['entityId'] ?? ''), strtolower($query['entityId']))) {
            return false;
        }
        if (isset($query['email'])) {
            [$operator, $value] = $query['email'];
            $email = strtolower($record['email'] ?? '');
            return match ($operator) {
                'is' => $email === strtolower($value),
                'startsWith' => str_starts_with($email, strtolower($value)),
                'contains' => str_contains($email, strtolower($value)),
                default => throw self::fault('unexpectedErrorFault', 'USER_ERROR', "Operator {$operator} is not known."),
            };
        }
        return true;
    }

    private static function record(string $kind, array $record): SoapVar
    {
        return match ($kind) {
            'customer' => self::customer($record),
            'contact' => self::contact($record),
            default => self::opportunity($record),
        };
    }

    private static function customer(array $record): SoapVar
    {
        foreach (['entityStatus', 'salesRep', 'parent', 'currency', 'category'] as $reference) {
            if (isset($record[$reference])) {
                $record[$reference] = (object) $record[$reference];
            }
        }
        if (isset($record['stripeCustomer'])) {
            $field = new SoapVar(
                (object) ['scriptId' => 'custentity_stripe_customer', 'internalId' => '221', 'value' => $record['stripeCustomer']],
                SOAP_ENC_OBJECT, 'StringCustomFieldRef', CORE,
            );
            $record['customFieldList'] = ['customField' => [$field]];
            unset($record['stripeCustomer']);
        }
        return new SoapVar((object) $record, SOAP_ENC_OBJECT, 'Customer', RELATIONSHIPS);
    }

    private static function contact(array $record): SoapVar
    {
        $record['company'] = (object) $record['company'];
        return new SoapVar((object) $record, SOAP_ENC_OBJECT, 'Contact', RELATIONSHIPS);
    }

    private static function opportunity(array $record): SoapVar
    {
        $record['entity'] = (object) ['internalId' => $record['entity']];
        foreach (['entityStatus', 'salesRep', 'currency'] as $reference) {
            if (isset($record[$reference])) {
                $record[$reference] = (object) $record[$reference];
            }
        }
        return new SoapVar((object) $record, SOAP_ENC_OBJECT, 'Opportunity', SALES);
    }

    // ---- words of the protocol -------------------------------------------------------------------------------------

    private function authenticate(): void
    {
        if ($this->refusal !== null) {
            throw self::fault('invalidCredentialsFault', 'INVALID_LOGIN_CREDENTIALS', $this->refusal);
        }
    }

    private static function searched(object $record): string
    {
        return match (true) {
            $record instanceof CustomerSearch => 'customer',
            $record instanceof OpportunitySearch => 'opportunity',
            $record instanceof ContactSearch => 'contact',
            default => throw self::fault('unexpectedErrorFault', 'USER_ERROR', 'Records of this type cannot be searched.'),
        };
    }

    private static function ids(array|object $references): array
    {
        $list = is_array($references) ? $references : [$references];
        return array_map(fn (object $reference): string => (string) $reference->internalId, $list);
    }

    private static function success(): array
    {
        return ['isSuccess' => true];
    }

    private static function missing(string $id): array
    {
        $message = "That record does not exist. path: {$id}";
        return ['isSuccess' => false, 'statusDetail' => [['type' => 'ERROR', 'code' => 'RCRD_DSNT_EXIST', 'message' => $message]]];
    }

    private static function fault(string $element, string $code, string $message): SoapFault
    {
        $detail = new SoapVar(
            '<detail><f:' . $element . ' xmlns:f="' . FAULTS . '"><f:code>' . $code . '</f:code><f:message>'
            . htmlspecialchars($message, ENT_XML1) . '</f:message></f:' . $element . '></detail>',
            XSD_ANYXML,
        );
        return new SoapFault('Server.userException', $message, null, $detail);
    }
}

final class CustomerSearch extends stdClass
{
}

final class OpportunitySearch extends stdClass
{
}

final class ContactSearch extends stdClass
{
}

if (php_sapi_name() !== 'cli-server') {
    fwrite(STDERR, "Start me with: php -S 127.0.0.1:PORT netsuite.php\n");
    exit(2);
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('Content-Type: text/plain');
    echo "ready\n";
    return;
}
$server = new SoapServer(getenv('NETSUITE_WSDL'), [
    'cache_wsdl' => WSDL_CACHE_NONE,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    'classmap' => ['CustomerSearch' => CustomerSearch::class, 'OpportunitySearch' => OpportunitySearch::class, 'ContactSearch' => ContactSearch::class],
]);
$server->setObject(new NetSuite(new Store(getenv('NETSUITE_DATA'))));
$server->handle(plain_attributes_first(file_get_contents('php://input')));

/** PHP takes the first attribute with the local name `type`, so `xsi:type` must stand behind a plain `type`. */
function plain_attributes_first(string $envelope): string
{
    $value = '\s*=\s*(?:"[^"]*"|\'[^\']*\')';
    $prefixed = '\s+[\w.-]+:type' . $value;
    $others = '(?:\s+[\w.:-]+' . $value . ')*?';
    return preg_replace("~({$prefixed})({$others}\s+type{$value})~", '$2$1', $envelope);
}
