# The accounting database. Its one password is made at first start and shared with slurmdbd through a volume.
# shellcheck shell=bash
install -d -o mysql -g mysql -m 0755 /run/mysqld
chown mysql:mysql /var/lib/mysql
if [[ ! -s /secret/password ]]; then
    head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' | write_file /secret/password root:root 0600
fi
password=$(cat /secret/password)

# The server runs this file before it listens, so that whoever gets a connection also finds the database.
write_file /run/mysqld/init.sql mysql:mysql 0600 <<SQL
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS 'slurm'@'%' IDENTIFIED BY '$password';
ALTER USER 'slurm'@'%' IDENTIFIED BY '$password';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'%';
SQL
exec mariadbd --user=mysql --init-file=/run/mysqld/init.sql
