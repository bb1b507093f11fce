<?php
// For a real PHP: answers with what $_SERVER and $_GET are.

$head = [];
foreach ($_SERVER as $name => $value) {
    if (is_string($value)) {
        $head[] = "$name: $value";
    }
}
foreach ($_GET as $name => $value) {
    $head[] = "_GET $name: " . json_encode($value);
}
$record = ['scheme' => 'php', 'head' => $head,
           'body' => file_get_contents('php://input'), 'trailers' => [],
           'connection' => getmypid()];
file_put_contents(__DIR__ . '/../logs/upstream.log',
    json_encode($record, JSON_INVALID_UTF8_SUBSTITUTE) . "\n",
    FILE_APPEND | LOCK_EX);
header('Content-Type: text/plain');
echo implode("\n", $head), "\n";
